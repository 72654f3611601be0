"""People's judgement: what they say of links, what they put right, and what two of them have to agree on."""
