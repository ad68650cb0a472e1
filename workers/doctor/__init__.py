"""What is wrong, and what to do about it: one finding for each thing that can be."""

from workers.doctor.examination import examine
from workers.doctor.finding import Finding

__all__ = ["Finding", "examine"]
