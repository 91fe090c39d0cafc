"""Marginal utility: what a provider's text does for a language model on the planner's validation text.

The way in: ``marginal`` from texts to every provider's gain, with ``spec`` its choices and ``job`` what an estimator
is given and gives back. ``estimators`` lists them by name: ``settled`` (the default) weighs what is left of a push when
a fine-tune has settled; ``inrun`` is first-order in-run Shapley; ``tracin`` looks at checkpoints; ``curvature`` takes a
damped inverse at the base weights; ``ablation`` leaves providers out. They share ``finetune`` (one fine-tune that
others can watch), ``projection`` (a pass over a provider's text along a direction), ``sketch`` (fingerprints of
gradients), ``state`` (where a killed run goes on) and ``parallel`` (one job on several processes).

The model: ``gpt`` its architecture, ``pretrain`` how it is made, ``base`` its file, ``huggingface`` any other from a
folder; ``sequences`` text to token windows; ``device`` where and how exactly it runs.

The market: ``rescale`` from gains in nats to phi. The audit: ``log`` the replay log, ``replay`` two of them side by
side, ``spot`` single windows by two forward passes, ``spot_audit`` a published run checked at drawn ones.
"""
