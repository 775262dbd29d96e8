"""How fast this machine is: each step, the whole product, what one would write instead."""
