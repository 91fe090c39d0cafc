"""Marginal utility: what a provider's text does for a language model on the planner's validation text.

``gpt`` the model; ``sequences`` text to token windows; ``base`` the public base model and its file; ``inrun``
first-order in-run Shapley; ``rescale`` from gains in nats to phi; ``device`` where and how exactly it runs.
"""
