"""The one-machine mode: a broker, a worker, a beat and the web face, started and kept by one process."""

from workers.embedded.broker import Broker
from workers.embedded.supervisor import Supervisor

__all__ = ["Broker", "Supervisor"]
