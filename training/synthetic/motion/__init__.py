"""What a person does with their body: gait, limbs, hands, pose."""
