"""What a process that runs for long shows and endures: its status, its metrics, its patience."""
