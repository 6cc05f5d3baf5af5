"""The points per second of rrcf, the Python package, on the forest benchmark's three inputs: the yardstick of the same run.

Per point and tree: forget the oldest of a window of 256, insert, take the collusive displacement. Processor time, after the window is full.
Prints a line per input: columns, shingle, rate."""
import math
import random
import sys
import time

import numpy
import rrcf

TREES, WINDOW = 100, 256


def rate(columns, shingle, measured):
    random.seed(1)
    numpy.random.seed(1)
    history, taken = [], 0.0
    forest = [rrcf.RCTree() for _ in range(TREES)]
    for t in range(WINDOW + shingle + measured):
        history.append([10 * math.sin(2 * math.pi * t / 50 + j) + random.gauss(0, 1) for j in range(columns)])
        if len(history) < shingle:
            continue
        point = numpy.array([value for record in history[-shingle:] for value in record])
        begin = time.thread_time()
        score = 0.0
        for tree in forest:
            if len(tree.leaves) >= WINDOW:
                tree.forget_point(t - WINDOW)
            tree.insert_point(point, index=t)
            score += tree.codisp(t)
        if t >= WINDOW + shingle:
            taken += time.thread_time() - begin
    return measured / taken


for columns, shingle in ((1, 1), (1, 8), (10, 1)):
    print(columns, shingle, round(rate(columns, shingle, int(sys.argv[1])), 1), flush=True)
