"""The mechanism as an executable specification: exact integers, no floats, the twin of the Solidity libraries.

The rules follow "Designing DSIC Mechanisms for Data Sharing in the Era of Large Language Models"
(arXiv 2506.05379, "the paper" below) where it holds and say where they differ and why. Each module is one rule:
``weights``, ``clearing``, ``liquidity``, ``shares``, ``tranche`` decide rounds; ``paper`` (its algorithms to the
letter) and ``baselines`` are there to compare with. Money is in money units, scores, weights and fractions are WAD.
"""
