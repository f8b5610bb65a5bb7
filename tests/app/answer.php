<?php
// Every page answers with one line that the load generator can check: the token of this very
// request, how many bytes of the request's body arrived, and a last word that shows that the
// line is whole.
function answer(string $token, int $body_bytes): void
{
    header('Content-Type: text/plain');
    printf("ok %s body=%d pid=%d end\n", $token, $body_bytes, getmypid());
}
