"""A message's menu: name the right tag, why this tag, tag this."""
