"""What witnesses say, in the words that captions and text encoders know; and what no text may say."""
