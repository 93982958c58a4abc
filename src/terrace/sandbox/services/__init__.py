"""Operations of AWS that the sandbox adds to moto, and those of moto that it mends."""
