#!/bin/sh
# Starts one part of a Spark cluster: driver (Spark Connect server), executor (as Spark's Kubernetes
# scheduler asks for it), master, or worker. Java takes the place of this shell, and so its signals.
#
#   SPARK_PROPERTIES_FILE       Spark's configuration, by default /etc/spark/spark.properties; of
#                               several files with colons between them, the last one has the last word
#   SPARK_DRIVER_MEMORY         heap of the driver, by default 1g
#   SPARK_DRIVER_JAVA_OPTIONS   more options of its JVM
#   SPARK_DAEMON_MEMORY, SPARK_DAEMON_JAVA_OPTS, SPARK_MASTER_*, SPARK_WORKER_*   as Spark has them
set -euf

properties=${SPARK_PROPERTIES_FILE:-/etc/spark/spark.properties}
archive=
if [ -e /opt/spark/kappa.jsa ]; then archive='-XX:SharedArchiveFile=/opt/spark/kappa.jsa -Xshare:auto'; fi

case $properties in
  *:*)
    # shellcheck disable=SC2086
    (umask 077 && IFS=: && grep --no-filename '' $properties > /tmp/spark.properties)
    properties=/tmp/spark.properties
    ;;
esac

# Hadoop needs a name for whatever user it is given.
if ! getent passwd "$(id -u)" > /dev/null; then
  wrapper=$(find /usr/lib -name libnss_wrapper.so)
  if [ -n "$wrapper" ]; then
    cp /etc/passwd /tmp/passwd
    echo "spark-$(id -u):x:$(id -u):$(id -g)::/tmp:/usr/sbin/nologin" >> /tmp/passwd
    export LD_PRELOAD="$wrapper" NSS_WRAPPER_PASSWD=/tmp/passwd NSS_WRAPPER_GROUP=/etc/group
  fi
fi

command=${1:-}
[ $# -eq 0 ] || shift
# Unquoted options are words, and nothing in them is expanded (set -f).
# shellcheck disable=SC2086
case $command in
  driver)
    standalone=
    if grep -Eq '^spark\.master[[:space:]=:]+spark://' "$properties"; then standalone=@/opt/spark/standalone.args; fi
    exec java "-Xmx${SPARK_DRIVER_MEMORY:-1g}" -XX:+UseSerialGC $archive @/opt/spark/java.args $standalone \
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
    if [ "$command" = master ]; then
      # It would take programs from whoever reaches it, and knows no authentication.
      set -- -Dspark.master.rest.enabled=false org.apache.spark.deploy.master.Master --properties-file "$properties" "$@"
    else
      # By load-spark-env.sh otherwise; executors are not started without.
      export SPARK_SCALA_VERSION=2.13
      export SPARK_WORKER_DIR="${SPARK_WORKER_DIR:-/var/lib/spark/work}" SPARK_LOCAL_DIRS="${SPARK_LOCAL_DIRS:-/var/lib/spark}"
      set -- org.apache.spark.deploy.worker.Worker --properties-file "$properties" "$@"
    fi
    exec java "-Xmx${SPARK_DAEMON_MEMORY:-256m}" -XX:+UseSerialGC $archive @/opt/spark/java.args \
      ${SPARK_DAEMON_JAVA_OPTS:-} "$@"
    ;;
  *)
    echo "Which part of Spark? driver, executor, master or worker; \"$command\" is none of them." >&2
    exit 64
    ;;
esac
