"""How much the property tests try: enough to find what breaks, in a suite of thousands."""

from hypothesis import settings

settings.register_profile("suite", max_examples=40)
settings.load_profile("suite")
