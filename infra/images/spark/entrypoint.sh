#!/bin/sh
# Starts one part of a Spark cluster: driver (Spark Connect server), executor (as Spark's Kubernetes
# scheduler asks for it), master, or worker. Java takes the place of this shell, and so its signals.
set -euf

# Hadoop needs a name for whatever user it is given.
if ! getent passwd "$(id -u)" > /dev/null; then
  wrapper=$(find /usr/lib /lib -name libnss_wrapper.so -print -quit)
  if [ -n "$wrapper" ]; then
    cp /etc/passwd /tmp/passwd
    echo "spark-$(id -u):x:$(id -u):$(id -g)::/tmp:/usr/sbin/nologin" >> /tmp/passwd
    export LD_PRELOAD="$wrapper" NSS_WRAPPER_PASSWD=/tmp/passwd NSS_WRAPPER_GROUP=/etc/group
  fi
fi

command=${1:-}
[ $# -eq 0 ] || shift
properties=${SPARK_PROPERTIES_FILE:-/etc/spark/spark.properties}
archive=
if [ -e /opt/spark/kappa.jsa ]; then archive='-XX:SharedArchiveFile=/opt/spark/kappa.jsa -Xshare:auto'; fi

case $command in
  driver)
    # Options are words: nothing in them is expanded (set -f).
    # shellcheck disable=SC2086
    exec java "-Xmx${SPARK_DRIVER_MEMORY:-1g}" -XX:+UseSerialGC $archive @/opt/spark/java.args \
      ${SPARK_DRIVER_JAVA_OPTIONS:-} org.apache.spark.deploy.SparkSubmit --properties-file "$properties" \
      --class org.apache.spark.sql.connect.service.SparkConnectServer spark-internal "$@"
    ;;
  executor)
    # Numbered from 0 without a gap; one option each, blanks included.
    set --
    number=0
    while option=$(printenv "SPARK_JAVA_OPT_$number"); do
      set -- "$@" "$option"
      number=$((number + 1))
    done
    # Only where it knows that it is in Kubernetes does Spark read spark.authenticate.secret.file.
    # shellcheck disable=SC2086
    exec java "-Xmx$SPARK_EXECUTOR_MEMORY" $archive @/opt/spark/java.args -Dspark.master=k8s://executor "$@" \
      org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
      --driver-url "$SPARK_DRIVER_URL" \
      --executor-id "$SPARK_EXECUTOR_ID" \
      --cores "$SPARK_EXECUTOR_CORES" \
      --app-id "$SPARK_APPLICATION_ID" \
      --hostname "$SPARK_EXECUTOR_POD_IP" \
      --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" \
      --podName "$SPARK_EXECUTOR_POD_NAME"
    ;;
  master | worker)
    class=org.apache.spark.deploy.master.Master
    if [ "$command" = worker ]; then
      class=org.apache.spark.deploy.worker.Worker
      export SPARK_WORKER_DIR="${SPARK_WORKER_DIR:-/var/lib/spark/work}"
    fi
    [ ! -e "$properties" ] || set -- --properties-file "$properties" "$@"
    # shellcheck disable=SC2086
    exec java "-Xmx${SPARK_DAEMON_MEMORY:-256m}" -XX:+UseSerialGC $archive @/opt/spark/java.args \
      ${SPARK_DAEMON_JAVA_OPTS:-} "$class" "$@"
    ;;
  *)
    echo "Which part of Spark? driver, executor, master or worker; \"$command\" is none of them." >&2
    exit 64
    ;;
esac
