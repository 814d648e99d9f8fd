"""Seeded bugs: known mistakes put into a copy of the product, one at a time, each of which the checker must find.

A checker that never said no has proven nothing; here it has to, and for the very same story without the bug, to hold.
"""
