"""From a composed config to a run, alone, in a sweep, or on a cluster."""
