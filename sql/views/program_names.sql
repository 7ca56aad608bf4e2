-- Names of programs that analysts ask for: the ones that are decoded, and those that every transaction calls.
select program_id, name from named_programs
