//! What the book gives to copy has the shape that its readers ask for: a job of Kubernetes, a workflow of GitHub, an array
//! of Slurm.
//!
//! The types here are the schema: a field that is missing, or that the schema does not have, is refused. They have what the
//! manifests use, with the names and kinds of Kubernetes' API reference (`batch/v1`, `core/v1`) and of GitHub's workflow
//! syntax.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/how-to").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Job {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: JobSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct JobSpec {
    completion_mode: String,
    completions: u32,
    parallelism: u32,
    #[serde(rename = "backoffLimit")]
    _backoff_limit: u32,
    template: Template,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    spec: PodSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PodSpec {
    #[serde(rename = "restartPolicy")]
    restarts: String,
    containers: Vec<Container>,
    volumes: Vec<Volume>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Container {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "image")]
    _image: String,
    env: Vec<Variable>,
    command: Vec<String>,
    volume_mounts: Vec<Mount>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    name: String,
    /// A text: Kubernetes refuses a number here.
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Mount {
    name: String,
    mount_path: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Volume {
    name: String,
    #[serde(rename = "persistentVolumeClaim")]
    _persistent_volume_claim: Claim,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Claim {
    #[serde(rename = "claimName")]
    _claim_name: String,
}

#[test]
fn the_job_of_kubernetes_makes_every_shard_once() {
    let job: Job = serde_saphyr::from_str(&read("sweep-job.yml")).expect("a job of Kubernetes");
    assert_eq!((job.api_version.as_str(), job.kind.as_str()), ("batch/v1", "Job"));
    assert_eq!(job.metadata.name, "sweep");
    assert_eq!(job.spec.completion_mode, "Indexed", "only an indexed job has JOB_COMPLETION_INDEX");
    assert_eq!(job.spec.completions, job.spec.parallelism);
    let pod = job.spec.template.spec;
    assert!(["Never", "OnFailure"].contains(&pod.restarts.as_str()), "a job allows no other");
    let [container] = &pod.containers[..] else { panic!("one container") };
    let shards = container.env.iter().find(|variable| variable.name == "COUNTERPOINT_SHARDS");
    let shards = shards.expect("nothing else says how many shards there are");
    assert_eq!(shards.value, job.spec.completions.to_string());
    let command = container.command.last().expect("a command");
    let mount = &container.volume_mounts[0];
    assert!(pod.volumes.iter().any(|volume| volume.name == mount.name));
    for words in ["counterpoint hunt", "JOB_COMPLETION_INDEX.json", "--result", &mount.mount_path] {
        assert!(command.contains(words), "`{words}` is missing in {command}");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Workflow {
    #[serde(rename = "name")]
    _name: String,
    on: BTreeMap<String, Option<Vec<Schedule>>>,
    jobs: BTreeMap<String, WorkflowJob>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schedule {
    cron: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WorkflowJob {
    runs_on: String,
    needs: Option<String>,
    #[serde(rename = "if")]
    condition: Option<String>,
    strategy: Option<MatrixStrategy>,
    steps: Vec<WorkflowStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct MatrixStrategy {
    fail_fast: bool,
    matrix: BTreeMap<String, Vec<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkflowStep {
    #[serde(rename = "name")]
    _name: Option<String>,
    uses: Option<String>,
    run: Option<String>,
    #[serde(rename = "if")]
    _condition: Option<String>,
    with: Option<BTreeMap<String, Scalar>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Flag(#[expect(dead_code, reason = "that it is one is all that is asked")] bool),
    Text(String),
}

#[test]
fn the_workflow_makes_every_shard_of_its_matrix_and_merges() {
    let workflow: Workflow =
        serde_saphyr::from_str(&read("sweep-workflow.yml")).expect("a workflow of GitHub");
    let cron = workflow.on["schedule"].as_ref().expect("times").iter().map(|schedule| schedule.cron.as_str());
    assert!(cron.clone().all(|times| times.split(' ').count() == 5) && cron.count() == 1);
    let (shard, merge) = (&workflow.jobs["shard"], &workflow.jobs["merge"]);
    let strategy = shard.strategy.as_ref().expect("a matrix");
    assert!(!strategy.fail_fast, "a shard that found something must not end the others");
    let shards = &strategy.matrix["shard"];
    assert_eq!(*shards, (1..=shards.len() as u32).collect::<Vec<_>>());
    let steps = |job: &WorkflowJob| {
        for step in &job.steps {
            assert_ne!(step.uses.is_some(), step.run.is_some(), "a step uses an action, or runs a command");
        }
        assert_eq!(job.runs_on, "ubuntu-latest");
        job.steps.iter().filter_map(|step| step.run.clone()).collect::<Vec<_>>().join("\n")
    };
    let of = format!("--shard ${{{{ matrix.shard }}}}/{}", shards.len());
    assert!(steps(shard).contains(&of), "`{of}` is missing");
    assert!(steps(merge).contains("counterpoint merge sweep/*.json"));
    assert_eq!((merge.needs.as_deref(), merge.condition.as_deref()), (Some("shard"), Some("always()")));
    let uploaded = shard.steps.iter().filter_map(|step| step.with.as_ref()?.get("path"));
    assert!(uploaded.into_iter().any(|path| matches!(path, Scalar::Text(path) if path == "sweep")));
}

#[test]
fn the_array_of_slurm_is_one_whose_shards_can_be_told() {
    let script = read("sweep.sbatch");
    assert!(script.starts_with("#!/bin/sh\n#SBATCH "), "options stand before the first command");
    let array = script.lines().find_map(|line| line.strip_prefix("#SBATCH --array=")).expect("an array");
    let (first, last) = array.split_once('-').expect("a range without holes or steps");
    assert!(first.parse::<u32>().expect("a number") < last.parse::<u32>().expect("a number"));
    for words in ["counterpoint hunt", "--result \"sweep/$SLURM_ARRAY_TASK_ID.json\"", "--resume"] {
        assert!(script.contains(words), "`{words}` is missing");
    }
}
