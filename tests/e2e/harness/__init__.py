"""What the end-to-end tests stand on: a real freshet, scripted origins, raw clients.

Everything here speaks bytes over loopback sockets and knows HTTP/1 by itself; nothing is
shared with the proxy, so that the two cannot be wrong in the same way.
"""
from .client import Client
from .dns import DnsServer
from .http1 import Request, Response, chunked, response
from .origin import Origin
from .proxy import Freshet

__all__ = ["Client", "DnsServer", "Freshet", "Origin", "Request", "Response", "chunked", "response"]
