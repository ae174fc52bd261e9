"""`make doctor`: what a deploy would otherwise find out late, asked of AWS before."""
