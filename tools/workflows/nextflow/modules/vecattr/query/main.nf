process VECATTR_QUERY {
    tag "${meta.id}"
    label 'process_low'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(sequences)
    path index

    output:
    tuple val(meta), path("${prefix}.jsonl"), emit: answers
    tuple val(meta), path("${prefix}.log"), emit: log
    path "versions.yml", emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    vecattr query ${sequences} \\
        --index ${index} \\
        --output ${prefix}.jsonl \\
        --on-bad-record report \\
        --threads ${task.cpus} \\
        --quiet \\
        --log-file ${prefix}.log \\
        ${args}

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        vecattr: \$(vecattr --version | sed 's/.* //')
    END_VERSIONS
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.jsonl ${prefix}.log
    touch versions.yml
    """
}
