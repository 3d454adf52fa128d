"""The pages by which clients, groups, people and the audit log are looked after."""
