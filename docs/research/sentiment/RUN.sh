#!/bin/sh
# usage: RUN.sh WORK LABELLED CORPUS OUT.npz   (WORK holds e5-int8.onnx, tuned-int8.onnx, tuned.npz, keep.json)
set -eu
export OMP_NUM_THREADS=1
python teachers.py "$1" "$2" "$3"
python student.py "$1" "$4"
python fit.py "$4" "$3"
