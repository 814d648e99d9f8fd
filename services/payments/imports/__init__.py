"""History in bulk: payments as people's own sheets tell of them, each an ordinary entry with its original value date.

A chunk of rows is one transaction: every entry is booked by the rules that book a bank's, and sent on
`payment.received` as a bank would have sent it, so the record has it, and the ledger can be proved against the topic.
When it comes back from there it is known.
"""
