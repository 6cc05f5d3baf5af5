/// An event loop is a place where the store may answer.

public import AWSWire
public import StreamStore

extension AnswerLoop: AnswerPlace {}
