"""Refreshes in a queue: one job for each account of a run, taken by whichever worker is free.

jobs        what a job is called, and how jobs come into the queue with the run that they are of
connecting  procrastinate on the store's own database, patient with a database that is away for a moment
slots       how many accounts a worker works on at once, and who waits meanwhile
stopping    threads that wait for Meta and are told to stop
pauses      what all workers know of Meta's limits
account     one job: an account refreshed, its progress written, its end noted
written     what a job writes of its account into the run
tasks       what workers can do
worker      takes jobs until it is told to stop
attending   watches a run to its end, and works itself where no worker lives
"""
