"""A local Marketing API with deterministic ad accounts, for a first run and for tests.

The unchanged facebook-business SDK talks to it. It behaves like Meta's where that hurts:

- 25 rows a page unless `limit` says otherwise, and a next page only while `paging.next` is there;
- deleted and archived objects stay away unless a filter on their `effective_status` names them, while
  their spend still counts on the account;
- every scalar is a string, and what is zero is absent;
- one event comes back under several action types with different counts, in no fixed order, and sometimes
  without the widest one: take omni, else the aggregate, else the pixel's, else the on-site one;
- conversions of the last 28 days are still growing, and today is only as old as the clock;
- reach does not add up, money follows its currency's decimals, ids exceed 2^53, names hold anything;
- a report's job says 100 percent before it has completed.

`GET /__sandbox/truth` tells the exact totals, worked out apart from the rows. `/__sandbox/faults` takes rules by
which calls go wrong and the world changes, see `sandbox.faults`.
"""
