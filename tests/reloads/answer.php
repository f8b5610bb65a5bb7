<?php
// In the place of tests/app/answer.php: an answer tells which code has given it, and from where.
// The version stands in a file of its own, as a release's does, and is read before anything else.
require __DIR__ . '/version.php';

function answer(string $token, int $body_bytes): void
{
    header('Content-Type: text/plain');
    printf("ok %s body=%d pid=%d version=%d file=%s end\n", $token, $body_bytes, getmypid(), VERSION, __FILE__);
}
