"""Tests of word lists, modes, bans and withdrawal."""
