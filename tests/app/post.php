<?php
// The token is the body's first word, so an answer proves that the body came with its request.
require __DIR__ . '/answer.php';

$body = file_get_contents('php://input');
answer(strtok($body, ' ') ?: '', strlen($body));
