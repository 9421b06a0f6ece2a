"""Who may do what: passwords, sign-ins, rights, and the tokens of publishers."""
