"""The programs of contenders that run as processes of their own."""
