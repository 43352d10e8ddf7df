/** What the benchmark gives as JSON in the first argument; its names are those of the components. */
record Settings(
    String brokers,
    String topic,
    /** Records in the topic, which does not grow meanwhile. */
    long events,
    String schema,
    int schemaId,
    long latenessMs,
    long earlinessMs,
    /** How far an event may be behind the newest one of its partition, and how long its id is kept. */
    long watermarkDelayMs,
    String stateFolder,
    long commitIntervalMs) {}
