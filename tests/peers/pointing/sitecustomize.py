"""Points the SDK of a peer at the sandbox: Python runs this file before the peer, whose own code stays as it is."""

import os

from facebook_business.session import FacebookSession

FacebookSession.GRAPH = os.environ["SANDBOX_GRAPH"]
