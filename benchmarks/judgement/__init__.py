"""A blind judgement of topics: sheets of anonymous items, a page that collects answers, and scores with intervals."""
