"""Bank statements: a file is taken whole, kept as evidence, and each entry that it shows for the first time goes out as
`payment.received`, all in one transaction. Payments are booked from there, like any other bank's report."""
