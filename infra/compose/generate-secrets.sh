#!/bin/sh
# Makes the secrets of docker-compose.yml, each once: what is there stays as it is. They are in the
# folder `secrets` of the repository, or where KAPPA_SECRETS_FOLDER says, here and for Compose.
# Needs nothing but a POSIX shell. The files can be read by everybody, because containers run as
# another user, but are in a folder that only its owner can enter.
set -eu

repository=$(cd "$(dirname "$0")/../.." && pwd)
folder=${KAPPA_SECRETS_FOLDER:-$repository/secrets}
umask 077
mkdir -p "$folder"
chmod 700 "$folder"

# 32 random bytes in hexadecimal.
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

# Keeps what comes in as a file, unless there is one.
keep() {
  if [ -e "$folder/$1" ]; then return; fi
  cat > "$folder/.$1"
  chmod 444 "$folder/.$1"
  mv "$folder/.$1" "$folder/$1"
  echo "made $folder/$1"
}

random | keep redis-password
echo "requirepass $(cat "$folder/redis-password")" | keep redis-auth.conf

if [ ! -e "$folder/s3-credentials.json" ]; then
  printf '{ "accessKeyId": "%s", "secretAccessKey": "%s" }\n' "$(random | cut -c 1-20)" "$(random)" | keep s3-credentials.json
fi
access=$(sed 's/.*"accessKeyId": "\([^"]*\)".*/\1/' "$folder/s3-credentials.json")
secret=$(sed 's/.*"secretAccessKey": "\([^"]*\)".*/\1/' "$folder/s3-credentials.json")
printf '{ "identities": [{ "name": "kappa", "credentials": [{ "accessKey": "%s", "secretKey": "%s" }],\n  "actions": ["Admin", "Read", "Write", "List", "Tagging"] }] }\n' \
  "$access" "$secret" | keep s3-identities.json

for slot in spark-1 spark-2; do
  random | keep $slot-token
  printf 'spark.authenticate true\nspark.network.crypto.enabled true\nspark.authenticate.secret %s\n' "$(random)" | keep $slot-cluster.properties
  {
    echo "spark.connect.authenticate.token $(cat "$folder/$slot-token")"
    grep secret "$folder/$slot-cluster.properties"
  } | keep $slot-driver.properties
done

# What Compose mounts of the repository is for that other user, too, whatever the umask of the clone was.
for part in applications schemas infra/compose; do
  if [ -d "$repository/$part" ]; then chmod -R a+rX "$repository/$part"; fi
done
