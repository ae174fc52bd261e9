"""What an auditor reads and loads: written from synthesized templates alone, without credentials and network."""
