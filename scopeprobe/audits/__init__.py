"""Each use of the program from end to end: audit, plan, explain, discover."""
