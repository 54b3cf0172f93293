#!/bin/sh
# How full each file system is.
df -h
