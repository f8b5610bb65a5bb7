<?php
// work.php?ms=N takes N milliseconds, GET and POST, and leaves no trace in a log: for load that
// fills the accept queue. It waits in slices and looks at the clock, as slow.php does.
require __DIR__ . '/answer.php';

$end = hrtime(true) + (int) ($_GET['ms'] ?? 10) * 1_000_000;
$body = file_get_contents('php://input');
while (($left = $end - hrtime(true)) > 0) {
    usleep(min(5_000, intdiv($left, 1_000) + 1));
}
// The token of a POST stands in its body: an answer proves that the body came.
answer($body === '' ? $_GET['token'] ?? '' : strtok($body, ' '), strlen($body));
