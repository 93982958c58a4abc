"""The pure core: levels, capabilities, settings and the plan that follows from them."""
