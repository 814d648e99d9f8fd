"""History in bulk: funds, deals, allocations and calls as people's own sheets tell of them, by people's own keys.

A chunk of rows is one transaction. What a row may say is what HTTP takes, and the same rules decide; a row that is
refused never stops the others, and a row that was taken before is known by its key.
"""
