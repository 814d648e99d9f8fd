"""The load of a campaign, in a process of its own outside the fault domain: banks that report payments on Kafka, and
clerks who command over HTTP; planners of reserves are among them. What is to be sent is on disk before it is sent.
"""
