"""Faults that can be asked for: a layer around the Graph, of rules that strike calls and change the world.

rules.py     what a rule may say, and when it strikes
kinds.py     each kind with its own words and their defaults
presets.py   the refusals of Meta's error table by name
scene.py     what a call is: place, account, edge, level, breakdowns
layer.py     the layer itself
answers.py   refusals, gateways' HTML, bodies that are no answer
results.py   faults that look at what the answer would hold: too many rows, poisonous objects
pages.py     pages that repeat
fates.py     jobs that hang, fail or are skipped
standing.py  what holds from now on: withdrawn rows, restatement, deleted ads, limits
storm.py     a seeded mix of all that an honest client survives
wire.py      bodies cut short, answers that hang or drip
routes.py    `/__sandbox/faults`
"""
