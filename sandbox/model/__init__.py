"""The world behind the sandbox: accounts, the objects inside them, and the integers they earn each day.

Everything here is a pure function of the seed, the account and the date. Nothing depends on when the
process started, on how many accounts it serves or on how far back it was asked to go.
"""
