<?php
// slow.php?ms=N takes N milliseconds of wall time. It waits in short slices and looks at the
// clock, because a signal ends sleep() and usleep() early. Its begin is written to FPM's log, so
// that a script knows when it is in flight.
require __DIR__ . '/answer.php';

file_put_contents('php://stderr', "slow.php begins\n");
$end = hrtime(true) + (int) ($_GET['ms'] ?? 1000) * 1_000_000;
while (hrtime(true) < $end) {
    usleep(5_000);
}
answer($_GET['token'] ?? '', 0);
