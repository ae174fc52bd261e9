"""Processes of jobs and endpoints: started, watched and stopped."""
