"""XCom values: Python values to something that can be stored and back, exactly or not at all."""
