"""Resource types of CloudFormation that MiniStack does not have."""
