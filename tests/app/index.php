<?php
require __DIR__ . '/answer.php';

answer($_GET['token'] ?? '', 0);
