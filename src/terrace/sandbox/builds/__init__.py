"""CodeBuild that builds: the commands of a buildspec are run, with a `docker` that makes images of Dockerfiles."""
