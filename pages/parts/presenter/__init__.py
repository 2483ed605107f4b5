"""Before a class: `?present` shows any page in type for the last row, `?follow` lets other browsers see the same."""
